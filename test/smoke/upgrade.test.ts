import { setTimeout } from 'node:timers/promises';
import { describeWith, Runner } from '../integration/runner';
import { synthesizeClusterOf } from '../integration/stacks';
import type { Manifest } from '../manifests/manifest';
import type { Kubectl } from './kubectl';
import { UpgradeSamples } from './upgrade';

jest.setTimeout(180_000);

describeWith(['vmstorage', 'vminsert', 'vmselect'], 'samples of the upgrade', () => {
  let stack: Runner | undefined;

  afterEach(async () => {
    await stack?.close();
  });

  test('are read back from the cluster of kind exactly as they were written, and one that is lost is missed', async () => {
    const { objects } = synthesizeClusterOf('kind', (cluster) => cluster);
    const manifests = objects as readonly Manifest[];
    const running = (stack = await Runner.start(objects));
    await running.ready();
    const kubectl: Pick<Kubectl, 'forward'> = {
      forward: ({ metadata }) => Promise.resolve({ url: running.url(metadata.name), stop: () => Promise.resolve() }),
    };
    let ahead = 0;
    const samples = new UpgradeSamples(kubectl, 'run-1', { now: () => Date.now() + ahead, pause: setTimeout });
    await samples.write(manifests);
    await samples.require(manifests);

    const series = encodeURIComponent('smoke_upgrade{series="42"}');
    const path = `/delete/0/prometheus/api/v1/admin/tsdb/delete_series?match[]=${series}`;
    const { status } = await fetch(`${running.url('metrics-vmselect')}${path}`, { method: 'POST' });
    expect(status).toBe(204);
    const required = samples.require(manifests);
    // Past the time that samples have to turn up.
    ahead = 600_000;
    await expect(required).rejects.toThrow(
      /^1 of 100 series are not as they were written, the first is smoke_upgrade\{series="42"\}: .* and is missing$/,
    );
  });
});
