import type { PolicyKind } from '../policy.ts';
import { fixed } from './fixed.ts';
import { peerPolicies } from './peers.ts';
import { learned, learnedCounts, learnedNames, ratio } from './production.ts';
import { recipe } from './recipe.ts';
import { tunedPeers } from './tuned-peers.ts';

/** Every policy that is offered by name. */
export const policies: readonly PolicyKind[] = [
  learned,
  learnedNames,
  learnedCounts,
  ratio,
  recipe,
  fixed(null),
  ...peerPolicies,
];

/** The policy of this name, `fixed-N` for any number and the peers in other settings among them. */
export function findPolicy(name: string): PolicyKind | undefined {
  const [, workers] = /^fixed-(\d{1,5})$/.exec(name) ?? [];
  return workers === undefined
    ? [...policies, ...tunedPeers].find((policy) => policy.name === name)
    : fixed(Number(workers));
}
