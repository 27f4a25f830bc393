import { all, anyText, mapOf, type Check } from '../validation';
import { isLabelValue, isQualifiedName } from '../values';

export const labelsCheck: Check = all(mapOf(anyText), (value, prop, problems) => {
  for (const [key, label] of Object.entries(value as Record<string, string>)) {
    problems.when(!isQualifiedName(key) || !isLabelValue(label), {
      prop: `${prop}['${key}']`,
      value: label,
      rule: 'keys and values of labels have at most 63 letters, digits, -, _ and ., and begin and end with a letter or digit',
      fix: 'shorten or rename it, or make it an annotation',
    });
  }
  return value;
});

export const annotationsCheck: Check = all(mapOf(anyText), (value, prop, problems) => {
  for (const key of Object.keys(value as object)) {
    problems.when(!isQualifiedName(key), {
      prop: `${prop}['${key}']`,
      value: key,
      rule: 'the key of an annotation is an optional DNS prefix, /, and at most 63 letters, digits, -, _ and .',
      fix: 'rename it',
    });
  }
  return value;
});
