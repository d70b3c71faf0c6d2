import { unescape as percentDecoded } from 'node:querystring';

/** Shorter values would blank ordinary words and numbers, and protect nothing. */
const secretLengthMin = 6;
const replacement = '[secret]';

/**
 * What gives a secret away by its form. Everything between the scheme of a URL and the last `@` of the word counts as
 * credentials, because a password that was not percent-encoded may hold any character. The repetitions are bounded so
 * that a long text without an `@` costs linear time.
 */
const credentials = [
  {
    form: /\b([a-z][a-z\d+.-]{0,30}:\/\/)(?:[^\s/?#:]{0,500}:\S{0,500}|[^\s/?#]{0,500})@/gi,
    replacement: `$1${replacement}@`,
  },
  { form: /\bHRKU-[\w-]+/g, replacement },
  { form: /\b(Bearer|Basic)\s+[\w.~+/=-]{16,}/gi, replacement: `$1 ${replacement}` },
];

/** Fields whose value is a secret whatever it looks like; `args` are those of a Redis command, such as AUTH. */
const secretField = /^(args|authorization|cookie|set-cookie|\w*(password|token|api_?key))$/i;

/**
 * Returns a function that takes secrets out of a text: the given values, also percent-encoded, in base64 or escaped for
 * JSON, and everything that looks like a credential. Of a URL its password is a secret and, on the web, what its query says.
 */
export function createScrubber(secrets: readonly string[]): (text: string) => string {
  const values = [...new Set(secrets.flatMap(secretsWithin).flatMap(spellings))]
    .filter((value) => value.length >= secretLengthMin)
    // A secret that contains another one must go first, or its rest would stay.
    .sort((one, other) => other.length - one.length);
  return (text) => {
    const known = values.reduce((rest, value) => rest.replaceAll(value, replacement), text);
    return credentials.reduce(
      (rest, { form, replacement }) => rest.replace(form, replacement),
      known,
    );
  };
}

/**
 * Scrubs every text within one line of JSON, names of fields included, and returns a line of JSON. Working on the
 * values rather than on the line leaves nothing to escape and cannot break the line.
 */
export function scrubJson(scrub: (text: string) => string, line: string): string {
  return JSON.stringify(JSON.parse(line), (name, value: unknown) => {
    if (secretField.test(name) && value !== null) return replacement;
    if (typeof value === 'string') return scrub(value);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [scrub(key), field]));
  });
}

function secretsWithin(secret: string): readonly string[] {
  if (!secret.includes('://') || !URL.canParse(secret)) return [secret];
  const { protocol, password, search, searchParams } = new URL(secret);
  // That of a Redis URL holds options, which messages name.
  const query = /^https?:$/.test(protocol) ? [search.slice(1), ...searchParams.values()] : [];
  // As it was written, too: parsing encodes some characters that people leave as they are.
  const written = /^[^:]*:\/\/[^:]*:(.*)@/.exec(secret)?.[1] ?? '';
  return [password, percentDecoded(password), written, ...query];
}

function spellings(secret: string): readonly string[] {
  const encoded = encodeURIComponent(secret);
  return [
    ...[secret, JSON.stringify(secret).slice(1, -1)],
    ...[encoded, encoded.replace(/%[\dA-F]{2}/g, (code) => code.toLowerCase())],
    new URLSearchParams([['', secret]]).toString().slice(1),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64url'),
  ];
}
