import { LineFile } from '../disk/line-file.js'
import { MinuteCounts } from './minute-counts.js'

/** Opens the file of the audit log. Lost lines are told on stderr, at most once a minute. */
export async function openAuditFile(path: string): Promise<LineFile> {
  const told = new MinuteCounts({ mostNames: 1, onOver: () => {} })
  return await LineFile.open(path, (error, lost) => {
    if (told.add('') > 1) return
    const what = lost === 0 ? 'keeps its old file' : 'loses lines, and the service goes on'
    process.stderr.write(`vicinal: the audit log ${what}: ${error.message}\n`)
  })
}
