/** One thing that is wrong with a message. */
export interface FieldError {
  field?: string;
  message: string;
}

/** What the server says of a call that failed. */
export interface Failure {
  code: string;
  message: string;
  status?: number;
  details?: Record<string, unknown>;
  fields?: FieldError[];
  hook?: string;
  requestId?: string;
}

/**
 * A call that failed. `code` is for programs: one of Gaff's, such as `HOOK_NOT_FOUND`, one that a hook chose, or of the
 * client itself `CONNECTION` (no answer) and `TIMEOUT` (not in time). After those two it is open whether the call was
 * carried out.
 */
export class GaffError extends Error {
  readonly code: string;
  /** HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** Of methods: `sqlstate`, `outcome` and the like. */
  readonly details: Record<string, unknown>;
  readonly fields: FieldError[];
  /** The hook that refused the call or failed. */
  readonly hook: string | undefined;
  /** The id under which the server knows the call. */
  readonly requestId: string | undefined;

  constructor(failure: Failure, status: number, cause?: unknown) {
    super(failure.message, cause === undefined ? undefined : {cause});
    this.name = 'GaffError';
    this.code = failure.code;
    this.status = status;
    this.details = failure.details ?? {};
    this.fields = failure.fields ?? [];
    this.hook = failure.hook;
    this.requestId = failure.requestId;
  }
}
