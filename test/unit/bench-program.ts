/** A program of bench/, run to its end without blocking the process of the tests, which has to report meanwhile. */
import { execFile } from 'node:child_process'

export interface Ran {
  status: number | string | null
  stdout: string
  stderr: string
}

export function ran(program: string, args: readonly string[], timeoutMs = 0): Promise<Ran> {
  const options = { encoding: 'utf8', maxBuffer: 1 << 28, timeout: timeoutMs } as const
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) =>
      resolve({ status: error ? (error.code ?? error.signal ?? null) : 0, stdout, stderr }),
    )
  })
}
