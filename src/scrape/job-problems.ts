import { Problems, type Problem } from '../validation';
import type { ScrapeProgram } from './scrape-job';

/** Props and fields whose values are not repeated: a secret may stand there by mistake, under any name. */
const HOLDS_SECRETS = /\.\w*(?:auth|authorization|credentials|oauth2|headers?)(?![\w-])|\.\w*tls(?:_config)?[.[]/;

/** What is wrong with a job. The agent that runs it reports it: a factory of jobs belongs to no construct. */
export class JobProblems extends Problems {
  /** @param program that is to run the job. @default - either */
  public constructor(public readonly program?: ScrapeProgram) {
    super();
  }

  public override add(problem: Problem): void {
    const hidden = problem.value !== undefined && HOLDS_SECRETS.test(problem.prop);
    super.add(hidden ? { ...problem, value: '***' } : problem);
  }
}

/** What the props of a job are named after in messages. */
export function jobPath(name: unknown): string {
  return `scrape['${typeof name === 'string' ? name : ''}']`;
}
