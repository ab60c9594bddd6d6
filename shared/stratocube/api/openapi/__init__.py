"""The OpenAPI document of the API and its page. Imported by the request for it, never by another."""
