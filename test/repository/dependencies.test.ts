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
const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
const manifest = JSON.parse(read('package.json')) as Record<
  'dependencies' | 'devDependencies',
  Record<string, string>
> & { readonly allowScripts: Record<string, boolean>; readonly scripts: Record<string, string> };
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');

describe('the packages', () => {
  test('are all in the lock file with the hash of what is installed', () => {
    expect(packages.length).toBeGreaterThan(100);
    expect(packages.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ''))).toEqual([]);
  });

  test('come from whichever registry is configured', () => {
    expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  test('are pinned to one version each, also in the manifest', () => {
    const wanted = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    const exact = /^(npm:[\w@/-]+@)?\d+\.\d+\.\d+$/;
    expect(wanted.filter(([, version]) => !exact.test(version))).toEqual([]);
  });

  test('may run no code of their own while they are installed', () => {
    expect(read('.npmrc')).toMatch(/^ignore-scripts=true$/m);
    const wanting = packages.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    for (const [path] of wanting)
      expect(manifest.allowScripts[path.replace(/^.*node_modules\//, '')], path).toBe(false);
  });

  test('that the project itself runs when it is installed are none', () => {
    for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
      expect(manifest.scripts).not.toHaveProperty(name);
    expect(existsSync(new URL('../../binding.gyp', import.meta.url))).toBe(false);
  });
});
