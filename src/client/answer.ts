import { BadResponseError, PartialResponseError, type RequestDescription } from './errors';
import type { Labels } from './labels';

/** What says whether all data was there. */
export interface Completeness {
  /**
   * Whether some vmstorage nodes did not respond, so that data may be missing. False where the server does not say:
   * Prometheus and single nodes answer from all data, and a cluster refuses an export or a bare range such as `m[5m]`
   * rather than answer it in part.
   */
  readonly isPartial: boolean;
}

/** The `data` of an answer of the API and whether it is partial. */
export interface ApiAnswer extends Completeness {
  readonly data: unknown;
}

/** An answer of another shape; turned into a BadResponseError, which knows the request. */
export class ShapeError extends Error {}

/**
 * @param parse makes the result; throws ShapeError where the answer has another shape
 * @throws BadResponseError when the body is not an answer of the API
 * @throws PartialResponseError when the answer is partial although that was denied
 */
export function parseAnswer<T>(
  body: Buffer,
  request: RequestDescription,
  denyPartialResponse: boolean | undefined,
  parse: (answer: ApiAnswer) => T,
): T {
  const answer = parseJson(body.toString('utf8'), request);
  return checkShape(
    request,
    () => bodyStart(body),
    () => {
      const { status, data, isPartial } = object(answer, 'the answer');
      if (status !== 'success') throw new ShapeError(`status is ${JSON.stringify(status)}, not "success"`);
      if (isPartial === true && denyPartialResponse === true) throw new PartialResponseError(request);
      return parse({ data, isPartial: isPartial === true });
    },
  );
}

/** @throws BadResponseError when the text is not JSON */
export function parseJson(text: string, request: RequestDescription): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BadResponseError(request, 'not JSON', text, { cause });
  }
}

/** Turns the ShapeError of `parse` into a BadResponseError. */
export function checkShape<T>(request: RequestDescription, bodyStart: () => string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ShapeError) throw new BadResponseError(request, error.message, bodyStart());
    throw error;
  }
}

function bodyStart(body: Buffer): string {
  return body.toString('utf8', 0, 0x4000);
}

export function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ShapeError(`${what} is not an object`);
  }
  return value as Record<string, unknown>;
}

export function array(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new ShapeError(`${what} is not a list`);
  return value;
}

export function string(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new ShapeError(`${what} is not a string`);
  return value;
}

export function number(value: unknown, what: string): number {
  if (typeof value !== 'number') throw new ShapeError(`${what} is not a number`);
  return value;
}

export function parseLabels(metric: unknown, what = 'metric'): Labels {
  const labels = object(metric, what);
  for (const name of Object.keys(labels)) string(labels[name], `the label ${name}`);
  return labels as Labels;
}
