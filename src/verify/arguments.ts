import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Auth } from '../client';
import { TOPICS, type Topic } from './report';
import { PROGRAMS, type Credentials, type Program } from './stack';

export const USAGE = `Usage: cdk8s-victoriametrics verify --namespace NAMESPACE [options]

Says whether a deployed stack works; exits with 0 when it does, else with 1. What it could not remove at the end is told,
and changes nothing of that.

  --namespace NAMESPACE     where the stack is
  --context CONTEXT         context of the kubeconfig; the current one when left out
  --tenant TENANT           tenant of a cluster to write to, accountID or accountID:projectID; may be repeated; 0 when left out;
                            what vmauth takes is found in whichever tenant it goes to
  --credentials PROGRAM=SOURCE
                            what a program asks for: env:NAME is an environment variable, file:PATH a file, which holds
                            a bearer token or USER:PASSWORD; may be repeated
  --only TOPIC              look only at this; may be repeated
  --require TOPIC           fail where a step of this would be skipped; may be repeated
  --wait SECONDS            how long to wait until everything is rolled out; 0 when left out
  --network-image IMAGE     image of the pods that try the network; it needs sh and nc; that of vmstorage when left out
  --json                    print the report as JSON
  --chaos                   delete pods and restart everything while samples are written and read: all that this library
                            made in the namespace, not what watches the nodes from a namespace of its own; fails where
                            no cluster has the copies for that
  --yes-break-things CONTEXT
                            what --chaos wants: the name of the context in which it may do so
  --help                    print this

TOPIC is one of ${TOPICS.join(', ')} (the last with --chaos).
PROGRAM is one of ${PROGRAMS.join(', ')}.`;

/** What the command line asks for. */
export interface Arguments {
  readonly namespace: string;
  readonly context?: string;
  readonly tenants?: readonly string[];
  readonly credentials: Credentials;
  readonly only?: readonly Topic[];
  readonly require?: readonly Topic[];
  /** In milliseconds. */
  readonly wait: number;
  readonly networkImage?: string;
  readonly json: boolean;
  readonly chaos?: { readonly confirmContext: string };
}

/** @returns nothing when help is asked for. @throws Error when an argument is wrong */
export function parseArguments(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Arguments | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      namespace: { type: 'string' },
      context: { type: 'string' },
      tenant: { type: 'string', multiple: true },
      credentials: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', multiple: true },
      require: { type: 'string', multiple: true },
      wait: { type: 'string', default: '0' },
      'network-image': { type: 'string' },
      json: { type: 'boolean', default: false },
      chaos: { type: 'boolean', default: false },
      'yes-break-things': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const [command, ...others] = positionals;
  if (command !== 'verify' || others.length > 0) {
    throw new Error(`there is one command, verify, and ${positionals.join(' ') || 'nothing'} was given`);
  }
  const { namespace, context, chaos, 'yes-break-things': yes } = values;
  if (namespace === undefined || namespace === '') throw new Error('--namespace is missing');
  if (chaos && yes === undefined) {
    throw new Error('--chaos deletes pods and restarts everything: say --yes-break-things CONTEXT as well');
  }
  if (!chaos && yes !== undefined) throw new Error('--yes-break-things is given without --chaos');
  const only = topics('--only', values.only);
  if (!chaos && only?.includes('chaos')) throw new Error('--only chaos is given without --chaos');
  for (const tenant of values.tenant ?? []) {
    if (!isTenant(tenant)) {
      throw new Error(`--tenant: ${tenant} is neither accountID nor accountID:projectID, of 32 bits each`);
    }
  }
  if (!/^\d+$/.test(values.wait)) throw new Error(`--wait: ${values.wait} is no number of seconds`);
  return {
    namespace,
    context,
    tenants: values.tenant,
    credentials: Object.fromEntries(values.credentials.map((text) => credential(text, environment))),
    only,
    require: topics('--require', values.require),
    wait: Number(values.wait) * 1000,
    networkImage: values['network-image'],
    json: values.json,
    ...(yes === undefined ? {} : { chaos: { confirmContext: yes } }),
  };
}

function topics(option: string, texts: readonly string[] | undefined): readonly Topic[] | undefined {
  return texts?.map((text) => {
    const topic = TOPICS.find((each) => each === text);
    if (topic === undefined) throw new Error(`${option}: ${text} is none of ${TOPICS.join(', ')}`);
    return topic;
  });
}

function isTenant(text: string): boolean {
  return /^\d+(:\d+)?$/.test(text) && text.split(':').every((id) => Number(id) < 2 ** 32);
}

/** A secret is never an argument, which every user of the machine can see. */
function credential(text: string, environment: Readonly<Record<string, string | undefined>>): readonly [Program, Auth] {
  const [, name, kind, place = ''] = /^([^=]+)=(env|file):(.+)$/.exec(text) ?? [];
  const program = PROGRAMS.find((each) => each === name);
  if (program === undefined) {
    throw new Error('--credentials: give PROGRAM=env:NAME or PROGRAM=file:PATH, with one of ' + PROGRAMS.join(', '));
  }
  if (kind === 'file') return [program, authOf(readFileSync(place, 'utf8'))];
  const value = environment[place];
  if (value === undefined) throw new Error(`--credentials: the environment has no variable ${place}`);
  return [program, authOf(value)];
}

/** A bearer token holds no colon. */
function authOf(secret: string): Auth {
  const text = secret.replace(/\r?\n$/, '');
  const colon = text.indexOf(':');
  if (colon < 0) return { bearerToken: text };
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
