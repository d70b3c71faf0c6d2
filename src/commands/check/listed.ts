const namesMax = 8;

/** The names separated by commas, cut where nobody would read on. */
export function listed(names: readonly string[]): string {
  const more = names.length - namesMax;
  return [...names.slice(0, namesMax), ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}
