import type { Highs } from 'highs';
import { OperationalError } from '../../errors.ts';

/** A coefficient and a variable. */
export type Term = readonly [coefficient: number, variable: number];

/** A linear program that is built variable by variable and row by row, for the HiGHS solver. */
export type LinearProgram = {
  /** Returns the variable's number. */
  variable(bounds: { least: number; most: number; cost?: number }): number;
  /** Keeps the sum of the terms between two bounds. No variable may be in it twice. */
  row(least: number, terms: readonly Term[], most: number): void;
  /**
   * The least cost; null when no choice of the variables keeps all bounds.
   * @throws {OperationalError} `CONFIG_INVALID` when the solver is not installed
   */
  solve(): Promise<number | null>;
};

export function createLinearProgram(): LinearProgram {
  const columns = { cost: [] as number[], least: [] as number[], most: [] as number[] };
  const rows = { least: [] as number[], most: [] as number[] };
  const matrix = { starts: [0], indices: [] as number[], values: [] as number[] };

  return {
    variable: ({ least, most, cost = 0 }) => {
      columns.cost.push(cost);
      columns.least.push(least);
      columns.most.push(most);
      return columns.cost.length - 1;
    },
    row: (least, terms, most) => {
      for (const [value, index] of terms) {
        matrix.values.push(value);
        matrix.indices.push(index);
      }
      matrix.starts.push(matrix.values.length);
      rows.least.push(least);
      rows.most.push(most);
    },
    solve: async () => {
      const highs = await loadSolver();
      const size = { numRows: rows.least.length, numCols: columns.cost.length };
      return highs.withModel(
        {
          ...size,
          colCost: columns.cost,
          colLower: columns.least,
          colUpper: columns.most,
          rowLower: rows.least,
          rowUpper: rows.most,
          matrix: { format: 'csr', ...size, ...matrix },
        },
        (model) => {
          model.options.set({ output_flag: false });
          model.run();
          const status = model.getModelStatus();
          const { optimal, infeasible } = highs.constants.modelStatus;
          if (status === infeasible) return null;
          if (status !== optimal) throw new Error(`HiGHS found no optimum: status ${status}.`);
          return model.getObjectiveValue();
        },
      );
    },
  };
}

/** The solver is 4 MB of WebAssembly, which a pool in service never needs: it is there where bounds are computed. */
async function loadSolver(): Promise<Highs> {
  try {
    // Its types describe a CommonJS module; what is imported here is the ES module, whose default export is the loader.
    const { default: load } = (await import('highs')) as unknown as {
      default: () => Promise<Highs>;
    };
    return await load();
  } catch (error) {
    throw new OperationalError('CONFIG_INVALID', 'the bound needs the HiGHS solver', {
      hint: 'Run `npm install highs`, or leave the bound out.',
      cause: error,
    });
  }
}
