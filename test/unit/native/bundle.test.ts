import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type OutputOptions, rolldown } from 'rolldown'
import { expect, onTestFinished, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** The library in one file, among the packages that it needs. */
async function bundled(options: OutputOptions, define: Record<string, string> = {}): Promise<string> {
  const folder = mkdtempSync(join(ROOT, 'node_modules', '.vicinal-bundle-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const bundle = await rolldown({
    input: join(ROOT, 'src/index.ts'),
    platform: 'node',
    external: (id) => isBuiltin(id) || /^[a-z@]/.test(id),
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
    logLevel: 'silent',
    transform: { define },
  })
  const file = join(folder, options.format === 'cjs' ? 'bundle.cjs' : 'bundle.mjs')
  await bundle.write({ ...options, file, codeSplitting: false })
  const program = join(folder, 'program.mjs')
  writeFileSync(
    program,
    `import { open } from ${JSON.stringify(file)}
     try {
       const db = await open(':memory:')
       await db.createCollection('a', { vectors: { size: 1, distance: 'Dot' } })
     } catch (error) {
       console.log(JSON.stringify({ code: error.code, message: error.message }))
     }`,
  )
  return program
}

/** Some bundlers leave `import.meta` without a URL. */
const WITHOUT_URL = { 'import.meta.url': 'undefined' }

test.each([
  ['ES module', { format: 'esm' }, {}],
  ['CommonJS', { format: 'cjs' }, {}],
  ['CommonJS without a place', { format: 'cjs' }, WITHOUT_URL],
] as const)('a bundle (%s) is told to leave the package external', async (_kind, options, define) => {
  const output = execFileSync(process.execPath, [await bundled(options, define)], { encoding: 'utf8' })
  const { code, message } = JSON.parse(output)
  expect(code).toBe('NATIVE_UNAVAILABLE')
  expect(message).toContain('cannot be loaded from a bundle')
  expect(message).toContain("serverExternalPackages: ['vicinal']")
})
