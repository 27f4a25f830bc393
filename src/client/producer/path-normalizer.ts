import { InvalidArgumentError } from '../errors';

/** What a segment of a path is replaced by, and when. */
export interface PathRule {
  /** Tested against the decoded segment; write `^...$` for all of it. */
  readonly pattern: RegExp;
  /** As in `':order'`. */
  readonly placeholder: string;
}

/** Options of a {@link PathNormalizer}. */
export interface PathNormalizerOptions {
  /** Come before the rules for numbers, UUIDs, hexadecimal ids and tokens. @default - none */
  readonly rules?: readonly PathRule[];
}

const RULES: readonly PathRule[] = [
  { pattern: /^\d+(?:[,_-]\d+)*$/, placeholder: ':id' },
  { pattern: /^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$/i, placeholder: ':uuid' },
  // With a digit: there are words of these letters.
  { pattern: /^(?=\D*\d)(?:0x)?[0-9a-f]{8,}$/i, placeholder: ':hex' },
  // Route names have words and seldom digits; ids of all kinds that are as long as this have some.
  { pattern: /^(?=\D*\d).{20,}$/s, placeholder: ':token' },
  { pattern: /^.{65,}$/s, placeholder: ':token' },
];

/**
 * Turns the paths of requests into a bounded number of label values: `/api/users/123?page=2` becomes `/api/users/:id`.
 *
 * Numbers become `:id`, UUIDs `:uuid`, hexadecimal numbers of 8 digits or more `:hex`, and what is long and has digits
 * `:token`. Scheme, host, query, fragment, `;parameters`, empty segments and the slash at the end go. Names that users
 * choose stay: add rules for them, or use the route of the web framework; a {@link CardinalityLimiter} bounds the rest.
 */
export class PathNormalizer {
  readonly #rules: readonly PathRule[];

  /** @throws InvalidArgumentError when a placeholder has a slash or is empty */
  constructor({ rules = [] }: PathNormalizerOptions = {}) {
    rules.forEach(({ placeholder }, index) => {
      if (placeholder !== '' && !/[/?#;]/.test(placeholder)) return;
      throw new InvalidArgumentError(
        `rules[${index}].placeholder: ${JSON.stringify(placeholder)} is no segment of a path; give one such as ':order'`,
      );
    });
    // A pattern with g or y would remember where it stopped.
    const stateless = rules.map(({ pattern, placeholder }) => ({
      pattern: new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')),
      placeholder,
    }));
    this.#rules = [...stateless, ...RULES];
  }

  /** @param path a path or a URL */
  normalize(path: string): string {
    const [bare = ''] = path.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/, 1);
    const segments = bare
      .split('/')
      .map((segment) => segment.split(';', 1)[0]!)
      .filter((segment) => segment !== '');
    return `/${segments.map((segment) => this.#segment(segment)).join('/')}`;
  }

  #segment(segment: string): string {
    const text = decoded(segment);
    return this.#rules.find(({ pattern }) => pattern.test(text))?.placeholder ?? segment;
  }
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
