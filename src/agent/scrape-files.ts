import { Yaml } from 'cdk8s';
import { jobPath, type ScrapeJob } from '../scrape';
import type { Problems } from '../validation';
import { fitOneConfigMap, secretPath, tooLargeFor, type Files } from '../workload';

export const SCRAPE_FOLDER = '/etc/vmagent/scrape';
export const SCRAPE_FILE = 'scrape.yaml';

/** Where jobs are that have files of their own. */
export const JOBS_FOLDER = '/etc/vmagent/scrape-jobs';

/** What the jobs of about 90 components need, which stand beside those of the user. */
const STACK_BYTES = 128 * 1024;

/**
 * Each job in a file of its own, where a ConfigMap cannot hold them all.
 *
 * @param jobs those that the user gives: how many ConfigMaps there are is settled before the stack is known
 * @returns nothing where one file does
 */
export function jobFiles(jobs: readonly ScrapeJob[], serverSideApply: boolean, problems: Problems): Files | undefined {
  const digits = String(jobs.length).length;
  const files = jobs.map((job, index) => ({
    job,
    file: `${String(index + 1).padStart(digits, '0')}.yaml`,
    text: Yaml.stringify([job.render(secretPath)]),
  }));
  const all = Object.fromEntries(files.map(({ file, text }) => [file, text]));
  if (fitOneConfigMap({ ...all, [SCRAPE_FILE]: ' '.repeat(STACK_BYTES) }, serverSideApply)) return undefined;
  const tooLarge = files.filter(({ file, text }) => !fitOneConfigMap({ [file]: text }, serverSideApply));
  for (const { job, text } of tooLarge) {
    problems.add({
      prop: jobPath(job.name),
      value: `${Buffer.byteLength(text)} bytes`,
      ...tooLargeFor(
        'does',
        `share its targets out over several jobs, which \`labels: { job: '${job.name}' }\` makes one for queries`,
        serverSideApply,
      ),
    });
  }
  const left = files.filter((each) => !tooLarge.includes(each));
  return Object.fromEntries(left.map(({ file, text }) => [file, text]));
}
