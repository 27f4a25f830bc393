const SECRET = /(passw(or)?d|passphrase|secret|token|(api|auth|access|private)[-_]?key|credentials?)$/i;

/** Whether the name of a variable or parameter says that its value is secret. */
export function namesSecret(name: string): boolean {
  return SECRET.test(name);
}
