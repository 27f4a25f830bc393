import type { SecretPath } from '../flags';
import { camelCase, checkProps, isObject, type Checked, type Shape } from '../validation';
import { JobProblems, jobPath } from './job-problems';
import { checkScrapeConfig } from './raw-config';
import { renderJobProps, renderRelabeling, secretsOf, timesOf, type ScrapeJobProps } from './job-props';
import type { RelabelConfig } from './relabeling';
import type { Plain, ScrapeConfig, ScrapeJob, ScrapeProgram } from './scrape-job';

/** What one kind of job adds to what all have in common. */
export interface JobKind extends Omit<ScrapeJob, 'name' | 'render' | 'check' | 'intervalSeconds' | 'timeoutSeconds'> {
  readonly name: string;
  readonly props: ScrapeJobProps;
  /** Fields of the file, beside those of the props; these win. */
  readonly fields: (secretPath: SecretPath) => Readonly<Record<string, Plain>>;
  /** @default - none */
  readonly relabelConfigs?: readonly RelabelConfig[];
  readonly problems: JobProblems;
}

/** Props of a job, with what is right of them, and what is wrong with the others. */
interface JobPropsChecked<T> {
  readonly name: string;
  readonly props: Checked<T>;
  readonly prefix: string;
  readonly problems: JobProblems;
}

/** @param defaultName what the job is called where the props do not say */
export function checkJobProps<T extends { readonly name?: string }>(
  given: T,
  shape: Shape<T>,
  defaultName = '',
): JobPropsChecked<T> {
  const problems = new JobProblems();
  const written = isObject(given) ? given : undefined;
  const { name = defaultName } = written ?? {};
  const prefix = `${jobPath(name)}.`;
  problems.when(written === undefined, {
    prop: jobPath(name),
    value: given,
    rule: 'a job is described by an object',
    fix: 'write { prop: value }',
  });
  return { name, props: checkProps(written, shape, problems, prefix), prefix, problems };
}

/** A job from props. */
export function typedJob(kind: JobKind): ScrapeJob {
  const { name, props, fields, relabelConfigs = [], problems, secrets = [], ...needs } = kind;
  const render = (secretPath: SecretPath): ScrapeConfig => ({
    job_name: name,
    ...renderJobProps(props, secretPath),
    ...fields(secretPath),
    ...renderRelabeling(relabelConfigs, props),
  });
  return {
    ...needs,
    name,
    secrets: [...secrets, ...secretsOf(props)],
    ...timesOf(props),
    check: (program: ScrapeProgram) => {
      if (problems.all.length > 0 || program === 'vmagent') return problems.all;
      const foreign = new JobProblems(program);
      checkScrapeConfig(render(String), jobPath(name), foreign);
      return foreign.all.map((problem) => ({ ...problem, prop: asProps(problem.prop, name) }));
    },
    render,
  };
}

/** A field of the file as the prop that it comes from. */
function asProps(path: string, name: string): string {
  const { length } = jobPath(name);
  return path.slice(0, length) + camelCase(path.slice(length));
}
