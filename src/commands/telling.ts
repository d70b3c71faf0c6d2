/** Redis may hang: telling it of a tick that is over is given up after this, or sooner when the interval is short. */
const tellingMsMax = 1_000;
const shareOfInterval = 0.05;

/** How long writing of a tick may take after its end, in ms. */
export function tellingMs(intervalMs: number): number {
  return Math.ceil(Math.min(tellingMsMax, intervalMs * shareOfInterval));
}
