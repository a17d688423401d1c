import type { WriteResult } from '../../core/database.js'

export function writeResult({ operationId, status, deleted }: WriteResult): object {
  return { operation_id: operationId, status, ...(deleted === undefined ? {} : { deleted }) }
}
