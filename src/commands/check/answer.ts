import { OperationalError } from '../../errors.ts';

/** What became of a question: its answer, or why there is none. */
export type Answer<T> =
  | { readonly value: T; readonly error: null }
  | { readonly value: null; readonly error: OperationalError };

/** Waits for an answer and takes trouble of the outside world for one, so that it does not hide other answers. */
export async function answerTo<T>(question: Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await question, error: null };
  } catch (error) {
    if (error instanceof OperationalError) return { value: null, error };
    throw error;
  }
}
