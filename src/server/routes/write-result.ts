import type { WriteResult as Result } from '../../core/database.js'
import { tell } from '../../core/vocabulary/teller.js'
import { WriteResult } from '../../core/write-result.js'
import { WriteParameters } from '../parameters.js'

/** The declaration that all routes share that write to a collection. */
export const WRITE = { access: 'write', work: 'write', parameters: WriteParameters, answer: WriteResult } as const

export function writeResult(result: Result): unknown {
  return tell(WriteResult, result)
}
