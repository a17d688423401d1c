import type { WriteResult } from '../../core/database.js'

export function writeResult({ operationId, status }: WriteResult): { operation_id: number; status: string } {
  return { operation_id: operationId, status }
}
