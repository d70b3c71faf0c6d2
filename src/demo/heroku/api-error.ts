/** What Heroku says when it refuses; `limit` and `size` come with the limits on dynos. */
export type ErrorBody = {
  readonly id: string;
  readonly message: string;
  readonly url?: string;
  readonly resource?: string;
  readonly limit?: number;
  readonly size?: number;
};

/** Thrown anywhere below the server, which sends it as the reply. The known ids and texts are those of the real API. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly body: ErrorBody;

  constructor(status: number, body: ErrorBody) {
    super(body.message);
    this.status = status;
    this.body = body;
  }
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, { id: 'bad_request', message });
}

export function unauthorized(): ApiError {
  return new ApiError(401, { id: 'unauthorized', message: 'Invalid credentials provided.' });
}

export function forbidden(scopes: readonly string[]): ApiError {
  return new ApiError(403, {
    id: 'forbidden',
    message: `The scope of this OAuth authorization is not sufficient. It needs one of: ${scopes.join(', ')}.`,
  });
}

export function notFound(resource: string): ApiError {
  return new ApiError(404, {
    resource,
    id: 'not_found',
    message: `Couldn't find that ${resource}.`,
  });
}

export function endpointNotFound(): ApiError {
  return new ApiError(404, {
    id: 'not_found',
    message:
      'The requested API endpoint was not found. Are you using the right HTTP verb (i.e. `GET` vs. `POST`), ' +
      'and did you specify your intended version with the `Accept` header?',
  });
}

export function notAcceptable(): ApiError {
  return new ApiError(406, {
    id: 'not_acceptable',
    message: 'Set `Accept: application/vnd.heroku+json; version=3` header and try again.',
  });
}

export function rangeNotSatisfiable(message: string): ApiError {
  return new ApiError(416, { id: 'requested_range_not_satisfiable', message });
}

export function invalidParams(message: string): ApiError {
  return new ApiError(422, { id: 'invalid_params', message });
}

export function rateLimited(): ApiError {
  return new ApiError(429, {
    id: 'rate_limit',
    message:
      'Your account reached the API rate limit. Please wait a few minutes before making new requests.',
    url: 'https://devcenter.heroku.com/articles/platform-api-reference#rate-limits',
  });
}

/** More dynos of one size than a process type, or an app, may have. */
export function aboveSizeLimit(sizeName: string, limit: number, requested: number): ApiError {
  return new ApiError(422, {
    limit,
    size: requested,
    id: 'cannot_run_above_limit',
    message: `Cannot run more than ${limit} ${sizeName} size dynos.`,
    url: 'https://devcenter.heroku.com/articles/dyno-size#default-scaling-limits',
  });
}

/** More dynos than an app may have over all its process types together; `limit` is that total. */
export function aboveAppLimit(limit: number, requested: number): ApiError {
  return new ApiError(422, {
    limit,
    size: requested,
    id: 'cannot_update_above_limit',
    message: `Cannot update to more than ${limit} dynos.`,
    url: 'https://devcenter.heroku.com/articles/dyno-size#default-scaling-limits',
  });
}
