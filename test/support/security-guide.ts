import { readFileSync } from 'node:fs';

const guide = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');

/** The ACL rules that the guide gives a user, so that what people type is what is tried. */
export function guidedRulesOf(user: 'autoscaler' | 'companion'): readonly string[] {
  const [, rules] =
    new RegExp(`ACL SETUSER ${user} on '>[^']*' ((?:.|\\n)*?)\\n\`\`\``).exec(guide) ?? [];
  if (rules === undefined) throw new Error(`the guide has no rules for ${user}`);
  return rules
    .replaceAll('\\\n', ' ')
    .trim()
    .split(/\s+/)
    .map((word) => word.replace(/^'(.*)'$/, '$1'));
}
