import { VicinalError } from '../../core/errors.js'
import type { StrictModeConfig } from '../../core/schema.js'

/** A refusal by strict mode in Qdrant's wording, with the configured bound and the value seen. */
export function refused(
  what: string,
  help: string,
  field: keyof StrictModeConfig & string,
  bound: unknown,
  seen: unknown,
): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', `Bad request: ${what}. Help: ${help}`, {
    details: { field: `strictModeConfig.${field}`, bound, seen },
  })
}
