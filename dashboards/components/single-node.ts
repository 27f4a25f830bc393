import { dashboard, Panels } from '../../src';
import { program } from './program';
import { processRow } from './process';
import { cacheRow, glanceRow, ingestionRow, queryRow, storageRow } from './storage';

const vmsingle = program('vmsingle');
const { of, variables } = vmsingle;

export const singleNode = dashboard({
  uid: 'vm-single-node',
  title: 'VictoriaMetrics single node',
  description: 'A storage that is one process: what comes in, how it is kept, and how it is queried.',
  layer: 'component',
  tags: ['victoriametrics'],
  variables,
  rows: [
    glanceRow(
      vmsingle,
      Panels.stat({
        title: 'Read-only',
        description:
          'Storages that take in nothing, because their disk has less space left than -storage.minFreeDiskSpaceBytes. ' +
          'Enlarge the volume now; agents keep what they cannot send for as long as their queues last.',
        queries: [{ expr: `sum(${of('vm_storage_is_read_only')})` }],
        unit: 'short',
        thresholds: { critical: 1 },
      }),
    ),
    ingestionRow(vmsingle),
    storageRow(vmsingle),
    queryRow(vmsingle, [
      {
        expr: `${of('vm_concurrent_select_current')} / ${of('vm_concurrent_select_capacity')}`,
        legend: '{{instance}}',
      },
    ]),
    cacheRow(vmsingle),
    processRow(vmsingle),
  ],
});
