import path from 'node:path';

/**
 * Lets a file of `src` import only what the row of its part allows. A part is a file or a folder directly in `src`, by
 * its name without `.ts`; what belongs to the same part is always allowed. Whatever cannot be judged is refused.
 */
export const importTableRule = {
  meta: { type: 'problem', schema: [{ type: 'object' }] },
  create(context) {
    const source = path.join(context.cwd, 'src');
    const [part] = placeOf(context.filename).split('/');
    const table = new Map(Object.entries(context.options[0]));
    const row = table.get(part);
    if (row === undefined) {
      const message = `src/${part} has no row in the import table of eslint.config.js.`;
      return { Program: (node) => context.report({ node, message }) };
    }
    return {
      ImportDeclaration: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
    };

    /** The path in `src` without its ending, such as `decision/types`. */
    function placeOf(file) {
      return path.relative(source, file).replace(/\.ts$/, '');
    }

    function check({ source: node }) {
      if (node === null) return;
      const message =
        typeof node.value === 'string' ? objection(node.value) : 'An import must name its module.';
      if (message !== null) context.report({ node, message });
    }

    function objection(specifier) {
      if (specifier.startsWith('node:'))
        return row.isPure ? `src/${part} is pure: it computes, and nothing else.` : null;
      if (!specifier.startsWith('.'))
        return isIn(row.packages, specifier)
          ? null
          : `src/${part} may use only these packages: ${listed(row.packages)}.`;
      const place = placeOf(path.resolve(path.dirname(context.filename), specifier));
      return isIn([part, ...row.parts], place)
        ? null
        : `src/${part} may import only: ${listed(row.parts)}.`;
    }
  },
};

/** `zod/mini` is in `zod`, and `decision/types` in `decision`. */
function isIn(allowed, place) {
  return allowed.some((name) => place === name || place.startsWith(`${name}/`));
}

function listed(names) {
  return names.join(', ') || 'none';
}
