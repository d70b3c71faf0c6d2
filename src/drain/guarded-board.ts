import type { DrainBoard } from './board.ts';

/**
 * A board that only the daemon that acts for the pool writes on: another's marks would hold up, or free, dynos that it
 * counts on. `assertActing` throws when this daemon does not act.
 */
export function guardBoard(board: DrainBoard, assertActing: () => void): DrainBoard {
  return {
    ...board,
    async mark(...words) {
      assertActing();
      await board.mark(...words);
    },
  };
}
