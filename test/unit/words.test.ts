import { expect, test } from 'vitest';
import { asChosen, spoken } from '../../src/decision/words.ts';

test.each([
  [0, '0s'],
  [0.5, '0.5s'],
  [90, '90s'],
  [120, '2m'],
  [150, '150s'],
  [5_400, '90m'],
  [7_200, '2h'],
  [86_400, '1d'],
])('%d seconds that somebody chose are said as they were typed: %s', (seconds, text) => {
  expect(asChosen(seconds)).toBe(text);
});

test('what was measured is rounded', () => {
  expect([89.4, 91, 5_500].map(spoken)).toEqual(['89s', '2m', '2h']);
});
