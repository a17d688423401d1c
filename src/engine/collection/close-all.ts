/** Closes one part after the other, even after a failure, and then throws the first failure. */
export async function closeAll(...parts: readonly ({ close(): Promise<unknown> } | null)[]): Promise<void> {
  const failures: unknown[] = []
  for (const part of parts) await part?.close().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}
