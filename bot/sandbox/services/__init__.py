"""What stands behind the base URLs: the services as a user reaches them, and Supabase instances."""
