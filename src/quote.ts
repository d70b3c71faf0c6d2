import { createScrubber } from './scrub.ts';

/** Makes a text from outside fit for a message: one line of bounded length without secrets. */
export type Quote = (text: string) => string;

const lengthMax = 300;

/** Replies are not ours: one may repeat the secret that was sent, or be as long as a book. */
export function createQuote(secrets: readonly string[]): Quote {
  const scrub = createScrubber(secrets);
  return (text) => {
    // Before it is cut: nobody would know the first half of a secret for one.
    const scrubbed = scrub(text)
      .replace(/\p{Cc}+/gu, ' ')
      .trim();
    return scrubbed.length > lengthMax ? `${scrubbed.slice(0, lengthMax)}…` : scrubbed;
  };
}
