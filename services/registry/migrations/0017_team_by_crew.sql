-- The teams of one crew member are found by themselves, not by walking every open case of the municipality.
create index team_member_crew on team_member (crew_id);
