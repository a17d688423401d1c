import { VicinalError } from '../../core/errors.js'
import type { StrictModeConfig } from '../../core/settings.js'

/** What strict mode refuses, in Qdrant's words, with the bound of the configuration and what was seen instead. */
export function refused(
  what: string,
  help: string,
  field: keyof StrictModeConfig,
  bound: unknown,
  seen: unknown,
): VicinalError {
  return new VicinalError('INVALID_ARGUMENT', `Bad request: ${what}. Help: ${help}`, {
    details: { field: `strict_mode_config.${field}`, bound, seen },
  })
}
