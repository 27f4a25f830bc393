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
  --tenant TENANT           tenant of a cluster to write to, accountID or accountID:projectID; may be repeated; 0 when left out
  --credentials PROGRAM=SOURCE
                            what a program asks for: env:NAME is an environment variable, file:PATH a file, which holds
                            a bearer token or USER:PASSWORD; may be repeated
  --only TOPIC              look only at this: ${TOPICS.slice(0, -1).join(', ')}; may be repeated
  --wait SECONDS            how long to wait until everything is rolled out; 0 when left out
  --network-image IMAGE     image of the pods that try the network; it needs sh and nc; that of vmstorage when left out
  --json                    print the report as JSON
  --chaos                   delete pods and restart everything while samples are written and read
  --yes-break-things CONTEXT
                            what --chaos wants: the name of the context in which it may do so
  --help                    print this

PROGRAM is one of ${PROGRAMS.join(', ')}.`;

/** What the command line asks for. */
export interface Arguments {
  readonly namespace: string;
  readonly context?: string;
  readonly tenants?: readonly string[];
  readonly credentials: Credentials;
  readonly only?: readonly Topic[];
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
  if (!/^\d+$/.test(values.wait)) throw new Error(`--wait: ${values.wait} is no number of seconds`);
  return {
    namespace,
    context,
    tenants: values.tenant,
    credentials: Object.fromEntries(values.credentials.map((text) => credential(text, environment))),
    only: values.only?.map((text) => {
      const topic = TOPICS.find((each) => each === text);
      if (topic === undefined) throw new Error(`--only: ${text} is none of ${TOPICS.join(', ')}`);
      return topic;
    }),
    wait: Number(values.wait) * 1000,
    networkImage: values['network-image'],
    json: values.json,
    ...(yes === undefined ? {} : { chaos: { confirmContext: yes } }),
  };
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
