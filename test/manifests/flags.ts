import type { V1Container } from '@kubernetes/client-node';
import type { FlagCatalogue } from '../../src/flags';
import { victoriaMetricsFlags } from '../../src/flags/catalogue/victoria-metrics';
import { vmagentFlags } from '../../src/flags/catalogue/vmagent';
import { vmalertFlags } from '../../src/flags/catalogue/vmalert';
import { vmauthFlags } from '../../src/flags/catalogue/vmauth';
import { vminsertFlags } from '../../src/flags/catalogue/vminsert';
import { vmselectFlags } from '../../src/flags/catalogue/vmselect';
import { vmstorageFlags } from '../../src/flags/catalogue/vmstorage';
import { workloads, type Policy } from './manifest';

/** By the name of the container. */
const CATALOGUES: Readonly<Record<string, FlagCatalogue>> = {
  vmagent: vmagentFlags,
  vmalert: vmalertFlags,
  vmauth: vmauthFlags,
  vminsert: vminsertFlags,
  vmselect: vmselectFlags,
  vmsingle: victoriaMetricsFlags,
  vmstorage: vmstorageFlags,
};

/** Programs of other projects, by the name of their container: what their flags are is known to nobody here. */
const OTHER_PROGRAMS = [
  'alertmanager',
  'kube-state-metrics',
  'metrics-demo',
  'node-exporter',
  'otelcol',
  'prometheus',
  'pushgateway',
];

/** A flag as it stands in the args of a container. */
export interface Flag {
  readonly name: string;
  readonly value: string;
  /** What the catalogue says of it; `undefined` for an unknown flag. */
  readonly type?: string;
}

/** The flags of a container. A flag without a value is `true`, as Go reads it. */
export function flagsOf({ name: container, args = [] }: V1Container): Flag[] {
  const types = (CATALOGUES[container]?.types ?? {}) as Readonly<Record<string, string>>;
  return args.flatMap((arg) => {
    const [, name, value = 'true'] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
    return name === undefined ? [] : { name, value, type: Object.hasOwn(types, name) ? types[name] : undefined };
  });
}

/** The values of one flag. */
export function flagValues(container: V1Container | undefined, flag: string): string[] {
  return container ? flagsOf(container).flatMap(({ name, value }) => (name === flag ? value : [])) : [];
}

/** Every flag is known to the binary, does something, and is set once unless it takes a list. */
export const knownFlags: Policy = (objects) =>
  workloads(objects).flatMap(({ title, containers }) =>
    containers.flatMap((container) => {
      const place = `${title}: container ${container.name}`;
      if (!container.args?.length) return [];
      if (OTHER_PROGRAMS.includes(container.name)) return [];
      const catalogue = CATALOGUES[container.name];
      if (!catalogue) return [`${place}: no flag catalogue is known for a container of this name`];
      const { binary, version, deprecated } = catalogue;
      const flags = flagsOf(container);
      const names = flags.map(({ name }) => name);
      return [
        ...(flags.length < container.args.length ? [`${place}: Go stops reading flags at an argument without -`] : []),
        ...flags.flatMap(({ name, type }, index) => {
          if (deprecated.includes(name)) return [`${place}: -${name} is deprecated in ${binary} ${version}`];
          if (type === undefined) return [`${place}: ${binary} ${version} has no flag -${name}`];
          const isList = type === 'array' || type === 'secretArray';
          return !isList && names.indexOf(name) < index ? [`${place}: -${name} is set twice`] : [];
        }),
      ];
    }),
  );
