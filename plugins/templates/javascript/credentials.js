// How to log in: with what a token service issues.
import { fail, option, refuse, request } from './api.js';

class Issuer {
  constructor(url) {
    this.url = url;
  }

  static open(config) {
    return new Issuer(option(config, 'tokens'));
  }

  // Asked again before `expiresAt`.
  async issue(registry) {
    const response = await request('POST', `${this.url}?registry=${registry}`);
    if (response.status !== 200) refuse(response);
    const token = await response.json();
    if (!token.username || !token.password) fail('fatal', 'the token service gave no token');
    const at = token['expires-at'];
    return { username: token.username, password: token.password, expiresAt: at === undefined ? undefined : BigInt(at) };
  }
}

export const credentials = { Issuer };
