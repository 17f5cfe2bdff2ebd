// What must exist: each repository is made by the API of the target.
import { option, refuse, request } from './api.js';

class Preparation {
  constructor(url) {
    this.url = url;
  }

  static open(config) {
    return new Preparation(option(config, 'api'));
  }

  async ensure(repositories) {
    const results = [];
    for (const { name } of repositories) {
      try {
        results.push({ tag: 'ok', val: await this.make(name) });
      } catch (error) {
        // One that fails is not the others' fault.
        if (error instanceof Error) throw error;
        results.push({ tag: 'err', val: error });
      }
    }
    return results;
  }

  // What someone else made meanwhile is there: not an error.
  async make(name) {
    const response = await request('PUT', `${this.url}/repositories/${name}`);
    if (response.status === 201) return 'created';
    if (response.status === 200 || response.status === 409) return 'existed';
    return refuse(response);
  }
}

export const provisioner = { Preparation };
