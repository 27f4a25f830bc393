/** Whether JavaScript takes it for a regular expression. */
export function compiles(expression: string): boolean {
  try {
    return new RegExp(expression) instanceof RegExp;
  } catch {
    return false;
  }
}
