// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([KMGTPE]i|[numkMGTPE])|[eE]([+-]?\d+))?$/;

const DECIMAL: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
};

export const MEBIBYTE = 1024 ** 2;
export const GIBIBYTE = 1024 ** 3;

/** The amount, in bytes or cores; `undefined` for what Kubernetes would refuse. */
export function parseQuantity(text: string): number | undefined {
  const [, number, suffix, exponent = '0'] = QUANTITY.exec(text) ?? [];
  if (number === undefined) return undefined;
  const amount = Number(number) * 10 ** Number(exponent);
  if (suffix === undefined) return amount;
  return amount * (suffix.endsWith('i') ? 1024 ** ('KMGTPE'.indexOf(suffix.charAt(0)) + 1) : (DECIMAL[suffix] ?? NaN));
}
