/**
 * Synthesizes every environment into a folder of dist/ and says what was written.
 * Run by `npm run synth` and, with CDK8S_OUTDIR set, by `cdk8s synth`.
 */
import { writeEnvironments } from './app';

const outdir = process.env.CDK8S_OUTDIR ?? 'dist';
try {
  for (const { name, files, kinds } of writeEnvironments(outdir)) {
    const counts = Object.entries(kinds).map(([kind, count]) => `${count} ${kind}`);
    console.log(`${outdir}/${name}: ${counts.join(', ')}`);
    for (const file of files) console.log(`  ${file}`);
  }
  console.log(`\nNext: kubectl apply -f ${outdir}/kind, or commit ${outdir} to a GitOps repository.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
