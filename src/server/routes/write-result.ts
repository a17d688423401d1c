import type { WriteResult as Result } from '../../core/database.js'
import { tell } from '../../core/vocabulary/teller.js'
import { WriteResult } from '../../core/write-result.js'
import { WriteParameters } from '../parameters.js'

/** What all routes that write to a collection declare. */
export const WRITE = { access: 'write', work: 'write', parameters: WriteParameters, answer: WriteResult } as const

export function writeResult(result: Result): unknown {
  return tell(WriteResult, result)
}
