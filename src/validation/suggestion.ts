/**
 * The candidate closest to a misspelt word, or nothing when none is close.
 * Case is ignored; up to a third of the letters may be wrong, and a word that only lacks its prefix
 * (`maxQueryDuration` for `search.maxQueryDuration`) is found as well.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const known = candidate.toLowerCase();
    const distance = known.endsWith(`.${wanted}`) ? 1 : editDistance(wanted, known, bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean X` or, when nothing is close, the given alternative. */
export function didYouMean(word: string, candidates: Iterable<string>, otherwise: string): string {
  const found = closest(word, candidates);
  return found === undefined ? otherwise : `did you mean \`${found}\`?`;
}

/** Levenshtein distance, given up once it reaches the limit. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
