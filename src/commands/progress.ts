/** Tells a person who waits what happens, each line with the minutes and seconds since the beginning. */
export type Progress = (line: string) => void;

export function createProgress(complain: (text: string) => void): Progress {
  const startedMs = performance.now();
  return (line) => {
    // Names of queues and jobs are anyone's text, and a terminal obeys some characters.
    complain(`${clockOf(performance.now() - startedMs)}  ${line.replace(/\p{Cc}+/gu, ' ')}\n`);
  };
}

/** `0:07`, `12:40`. */
function clockOf(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return `${String(Math.floor(seconds / 60))}:${String(seconds % 60).padStart(2, '0')}`.padStart(6);
}
