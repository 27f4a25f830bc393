/** The name of a prop as a file has it: `evalOffset` becomes `eval_offset`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The name of a field of a file as a prop: `eval_offset` becomes `evalOffset`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_whole, letter: string) => letter.toUpperCase());
}
