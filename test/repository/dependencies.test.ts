import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

type Locked = {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
};
const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const locked = (file: string) => {
  const { packages: all } = JSON.parse(read(file)) as { packages: Record<string, Locked> };
  return Object.entries(all).filter(([path]) => path !== '');
};
const manifest = JSON.parse(read('package.json')) as Record<
  'dependencies' | 'devDependencies',
  Record<string, string>
> & { readonly allowScripts: Record<string, boolean>; readonly scripts: Record<string, string> };
const packages = locked('package-lock.json');
const packagesOfMutation = locked('scripts/mutation/package-lock.json');
const all = [...packages, ...packagesOfMutation];

describe('the packages', () => {
  test('are all in the lock file with the hash of what is installed', () => {
    expect(packages.length).toBeGreaterThan(100);
    expect(packagesOfMutation.length).toBeGreaterThan(100);
    expect(all.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ''))).toEqual([]);
  });

  test('come from whichever registry is configured', () => {
    expect(all.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  test('are pinned to one version each, also in the manifest', () => {
    const wanted = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    const exact = /^(npm:[\w@/-]+@)?\d+\.\d+\.\d+$/;
    expect(wanted.filter(([, version]) => !exact.test(version))).toEqual([]);
  });

  test('may run no code of their own while they are installed', () => {
    for (const settings of ['.npmrc', 'scripts/mutation/.npmrc'])
      expect(read(settings)).toMatch(/^ignore-scripts=true$/m);
    const wanting = all.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    for (const [path] of wanting)
      expect(manifest.allowScripts[path.replace(/^.*node_modules\//, '')], path).toBe(false);
  });

  test('that the project itself runs when it is installed are none', () => {
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
      expect(manifest.scripts).not.toHaveProperty(name);
    expect(existsSync(new URL('../../binding.gyp', import.meta.url))).toBe(false);
  });
});
