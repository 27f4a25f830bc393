import { InvalidValueError, Problems, type Problem } from './problem';

/** Throws the first problem: for values, e.g. panels and SLOs, which are right once they are there. */
export class Refusals extends Problems {
  public override add(problem: Problem): void {
    throw new InvalidValueError(problem);
  }
}
