const units = [
  { name: 'd', seconds: 86_400 },
  { name: 'h', seconds: 3_600 },
  { name: 'min', seconds: 60 },
];

/** A duration as one would say it: `0.4 s`, `85 s`, `12 min`, `3.5 h`. */
export function spokenSeconds(seconds: number): string {
  const unit = units.find((each) => seconds >= 2 * each.seconds) ?? { name: 's', seconds: 1 };
  return `${shortNumber(seconds / unit.seconds)} ${unit.name}`;
}

/** Two digits where they matter: 0.43, 2.7, 35, 1,234. */
export function shortNumber(value: number): string {
  const digits = value === 0 || value >= 10 ? 0 : value >= 1 ? 1 : 2;
  const rounded = Number(value.toFixed(digits));
  return rounded.toLocaleString('en', { maximumFractionDigits: digits });
}
