/** Makes a text from outside fit for a message: one line of bounded length without secrets. */
export type Quote = (text: string) => string;

const lengthMax = 300;

/** Replies are not ours: one may repeat the token that was sent, or be as long as a book. */
export function createQuote(apiKey: string): Quote {
  return (text) => {
    const scrubbed = (apiKey === '' ? text : text.replaceAll(apiKey, '[secret]'))
      .replace(/HRKU-[\w-]+/g, '[secret]')
      .replace(/\p{Cc}+/gu, ' ')
      .trim();
    return scrubbed.length > lengthMax ? `${scrubbed.slice(0, lengthMax)}…` : scrubbed;
  };
}
