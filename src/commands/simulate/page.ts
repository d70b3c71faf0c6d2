import type { Comparison } from './comparison.ts';
export function page(_comparison: Comparison): string {
  return '';
}
