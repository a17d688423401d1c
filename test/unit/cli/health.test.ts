import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { serve, vicinal } from './process.js'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

test.skipIf(!hasOpenssl)(
  'health asks the service with the same settings: by TLS, with its own certificate, on its port',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vicinal-health-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')]
    const subject = ['-subj', '/CN=db.example', '-addext', 'subjectAltName=DNS:db.example']
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...files, ...subject], {
      stdio: 'ignore',
    })
    const env = {
      VICINAL_TLS_CERT: 'cert.pem',
      VICINAL_TLS_KEY: 'key.pem',
      VICINAL_API_KEY: 'k',
      VICINAL_HOST: '0.0.0.0',
    }
    const { child, url } = await serve(['--data', 'db'], folder, env)
    const { port } = new URL(url)
    expect(await vicinal(['health'], folder, { ...env, VICINAL_PORT: port })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    writeFileSync(join(folder, 'settings.json'), JSON.stringify({ port: Number(port), tlsCert: 'cert.pem' }))
    expect(await vicinal(['health', '--config', 'settings.json'], folder)).toMatchObject({ code: 0 })
    // The old check spoke plain HTTP.
    expect(await vicinal(['health', '--port', port], folder)).toMatchObject({ code: 1 })
    child.kill('SIGKILL')
    await expect.poll(async () => (await vicinal(['health'], folder, { ...env, VICINAL_PORT: port })).code).toBe(1)
  },
)
