import { reachableAddresses } from './addresses';
import { neededTokens, readingRoles, resolvedBindings } from './api-access';
import { replication, spreadStorage, storedData, zeroDowntime } from './availability';
import { autoscalers, disruptionBudgets, singleBudgets } from './disruption';
import { knownFlags } from './flags';
import { existingNamespaces, readableNames, separateSelectors, stableSelectors, uniqueNames } from './identity';
import { kubernetesSchema } from './kubernetes-schema';
import type { Policy } from './manifest';
import { bothSidesAgree, deniedByDefault, isolatedWorkloads, openedPorts, realPeers } from './network-policies';
import { podHardening, podSecurityRestricted } from './pod-security';
import { mountedVolumes, neededFirst, noSecrets, resolvedReferences } from './references';
import { statedResources } from './resources';
import { configMapSize, noSecretLiterals } from './secret-literals';
import { governingServices, servicePorts } from './services';

/** What every environment obeys. */
export const POLICIES: Readonly<Record<string, Policy>> = {
  autoscalers,
  bothSidesAgree,
  configMapSize,
  deniedByDefault,
  disruptionBudgets,
  existingNamespaces,
  governingServices,
  isolatedWorkloads,
  knownFlags,
  kubernetesSchema,
  mountedVolumes,
  neededFirst,
  neededTokens,
  noSecretLiterals,
  noSecrets,
  openedPorts,
  podHardening,
  podSecurityRestricted,
  reachableAddresses,
  readableNames,
  readingRoles,
  realPeers,
  replication,
  resolvedBindings,
  resolvedReferences,
  separateSelectors,
  servicePorts,
  singleBudgets,
  spreadStorage,
  stableSelectors,
  statedResources,
  storedData,
  uniqueNames,
  zeroDowntime,
};
