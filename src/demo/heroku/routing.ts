import { badRequest, endpointNotFound } from './api-error.ts';

export type ApiRequest = {
  readonly params: PathParameters;
  /** Parsed JSON, or undefined when there was none. */
  readonly body: unknown;
  /** The `Range` header. */
  readonly range: string | undefined;
};

/** The variable parts of the path, decoded, by name. */
export type PathParameters = (name: string) => string;

export type Reply = {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Route = {
  readonly method: string;
  readonly pattern: RegExp;
  /** OAuth scopes, any one of which is enough. */
  readonly scopes: readonly string[];
  /** @throws {ApiError} */
  readonly handle: (request: ApiRequest) => Reply;
};

export const scopes = {
  reading: ['global', 'read', 'read-protected', 'write', 'write-protected'],
  writing: ['global', 'write', 'write-protected'],
  readingSecrets: ['global', 'read-protected', 'write-protected'],
  writingSecrets: ['global', 'write-protected'],
  identity: ['create-apps', 'global', 'identity'],
} as const;

/** For a line such as `GET /apps/:app/dynos`, where `:app` stands for one part of the path. */
export function route(line: string, allowed: readonly string[], handle: Route['handle']): Route {
  const [method = '', path = ''] = line.split(' ');
  const pattern = new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
  return { method, pattern, scopes: allowed, handle };
}

/** @throws {ApiError} 404 when there is none, 400 when the path cannot be decoded */
export function findRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): { readonly route: Route; readonly params: PathParameters } {
  const found = routes.find(
    (candidate) => candidate.method === method && candidate.pattern.test(path),
  );
  if (found === undefined) throw endpointNotFound();
  const groups = found.pattern.exec(path)?.groups ?? {};
  return { route: found, params: (name) => decode(groups[name] ?? '') };
}

export function ok(body: unknown): Reply {
  return { status: 200, body };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRequest('The path is not properly encoded.');
  }
}
